-- What Pemba keeps with a version of a model beside OpenFGA's body; NULL when there is nothing.
ALTER TABLE authorization_model ADD COLUMN attachments json;
