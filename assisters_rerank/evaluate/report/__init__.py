"""What an evaluation shows: on a terminal, as JSON, and as an HTML page.

- `answers` and `facts` are the sentences, `wording` writes figures alike everywhere;
- `terminal` writes through `terminal_output`; `json_report` writes JSON;
- `page` fills the HTML of the folder `templates`; `page_curves` says what is drawn, and `plots`
  draws it as SVG on `scales`.
"""
