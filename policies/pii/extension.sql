-- Trusted, so that the owner of the database may create it; where the platform has it elsewhere it stays there.
create extension if not exists pgcrypto with schema extensions;
