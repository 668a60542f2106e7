# sources of www/
