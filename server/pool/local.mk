# sources of server/pool/
