"""The page of `--report`: what it has, and how it is written as HTML and as Markdown."""
