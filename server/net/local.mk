# sources of server/net/
