# sources of server/http/
