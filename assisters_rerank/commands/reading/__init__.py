"""Documents from files and standard input.

- `inputs` is the whole way from files to documents; `decoding` turns bytes into text;
- `formats` decides how a file is read: lines of text, JSONL, CSV or TSV;
- `records` reads the last three, and finds the field that holds a document's text.
"""
