# sources of server/auth/
