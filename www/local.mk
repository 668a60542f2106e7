EXTRA_DIST += www/ndvi.png
