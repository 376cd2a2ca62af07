"""The local server as a web application that keeps the contract of the service.

- `app` routes a request, `endpoints` answers it through `reranking` or `embedding`;
- `trusted` refuses the pages of other sites; `bodies` reads what was sent within limits,
  `json_body`, `rerank_request` and `embedding_request` check it, with `request_fields` that both
  have; `refusal` is an error and its body;
- `checked_output` checks what scorers and encoders give; `generations`, `json_response` and
  `headers` shape the answer;
- `rate_limiter`, `latency` and `replays` are the rate limits, the delays and the repeated requests
  of the service;
- `recorded` is for tests, `request_log` for people; `server_settings` is what can be set.
"""
