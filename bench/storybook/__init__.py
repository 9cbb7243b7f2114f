"""`limner bench storybook`: how well a preset draws and edits subjects that its models have never seen.

Every subject is taught from references and asked for once; what was drawn is edited once, and so is a
rendered picture of it that nobody asked for in words. The judge reads what came out.
"""
