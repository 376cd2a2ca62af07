"""What scores and what embeds.

- `scorer` chooses between `embedded` (term coverage and word vectors), `lexical` (only term
  coverage) and `cross_encoder` (a model of the user's own); `windows` limits how much they read;
- `encoder` chooses between `static` and `hashed`; each is `loaded_once` in a process;
- they stand on `terms`, `word_vectors` and `calibration`.
"""
