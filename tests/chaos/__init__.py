"""No event is lost, doubled or told wrongly, whatever server and network do: schedules made at random."""
