# sources of processes/
