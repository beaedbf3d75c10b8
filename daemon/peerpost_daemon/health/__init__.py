"""Health: facts gathered from the parts that run, and the findings that follow from them."""
