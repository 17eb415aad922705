-- The product's roles, once a PostgreSQL cluster, by a superuser:
--   psql -v owner_password=... -v app_password=... -f deploy/roles.sql
-- onecard_owner owns the tables and runs the migrations; worker and API are onecard_app, which owns nothing: whoever
-- breaks into them can't switch off what keeps trail and payments as they were. Neither is a superuser.
DO $$
DECLARE one text;
BEGIN
  FOREACH one IN ARRAY ARRAY['onecard_owner', 'onecard_app'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = one) THEN
      EXECUTE format('CREATE ROLE %I', one);
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', one);
  END LOOP;
END $$;
ALTER ROLE onecard_owner PASSWORD :'owner_password';
ALTER ROLE onecard_app PASSWORD :'app_password';
