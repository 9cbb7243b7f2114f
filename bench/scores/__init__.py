"""`limner bench scores`: do the scores rank pictures as the truth does, and does the copy gate tell copies apart?

`limner bench recommend` makes the table that says which method a new concept begins with.
"""
