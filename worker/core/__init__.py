"""What every task uses: binding to a job, errors and retries, the process's services, runs of scheduled jobs."""
