"""Random schedules of faults in server and network: no event is lost, stored twice or reported wrongly."""
