"""What the writers for Spark and Ray share: a job as plain data, the task that does a part of it, and reports."""
