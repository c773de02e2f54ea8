"""What one process may do of the whole: any number of processes, any division."""

ROLES = ("web", "scheduler", "worker")
