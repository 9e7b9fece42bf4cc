# The shop's model is put together from these modules, one for each team that owns a part of it.
# delegation.fga is Pemba's own and the same everywhere: a file here, since OpenFGA's tools read none
# from a folder above.
schema: '1.2'
contents:
  - people.fga
  - delegation.fga
  - orders.fga
  - inventory.fga
  - billing.fga
