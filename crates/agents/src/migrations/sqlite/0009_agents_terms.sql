-- The words of session_fts, for questions that ask for words one by one.
create virtual table session_terms using fts5vocab (session_fts, instance);
