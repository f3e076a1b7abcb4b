// Runs once, in a new MongoDB: the user who reads and writes Vigie's documents, and nothing else.
const password = require('fs').readFileSync('/run/secrets/mongo_vigie', 'utf8').trim();
db.getSiblingDB('vigie').createUser({
  user: 'vigie',
  pwd: password,
  roles: [{ role: 'readWrite', db: 'vigie' }],
});
