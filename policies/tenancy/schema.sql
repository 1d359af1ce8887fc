-- The home of tenant isolation. The owner of the database owns all of it, and nobody else can change it.
create schema if not exists tenancy;
comment on schema tenancy is 'Tenant isolation: who the tenant is, and what protects its rows.';

-- USAGE for everybody, because policies are for every role and call these functions as whoever queries; they tell a
-- session nothing but its own context. The functions that change something are closed one by one.
revoke all on schema tenancy from public;
grant usage on schema tenancy to public;
