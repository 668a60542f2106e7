# sources of server/jobs/
