# sources of server/store/
