-- Who wrote a version of a model, why, and from which revision of its source; NULL when nothing is said.
ALTER TABLE authorization_model ADD COLUMN metadata json;
