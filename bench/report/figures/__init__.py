"""One figure of the report each: functions from results to sections."""
