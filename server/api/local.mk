# sources of server/api/
