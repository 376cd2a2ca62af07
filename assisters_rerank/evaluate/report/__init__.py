"""What an evaluation shows: on a terminal, as JSON, and as an HTML page.

- `answers` and `facts` are the sentences, `wording` writes figures alike everywhere;
- `terminal` writes through `terminal_output`; `json_report` writes JSON;
- `page` is made of `page_tables`, `page_pairs`, `page_curves`, `page_queries` and `page_style`,
  with `plots` on `scales`; `markup` writes it.
"""
