"""What a value that the code does not fix can be: stated, guarded, used, named."""
