-- What the Memory and Settings pages need: memory files by path; keys that are made in the dashboard; saved views; members of projects;
-- and what a key of one project may read. All new tables are small and unsharded: on Citus they stay local tables of the coordinator.

set local search_path = signalbox;

-- What a read of a file found there was written by the latest write before it.
create index spans_memory_path on spans ((attributes->>'signalbox.memory.path'), start_time desc, span_id desc) where operation = 'memory';

-- Keys made at run time; those of the config file are not here. A key is 256 random bits and shown once: its digest tells nothing of it.
create table api_keys (
  key_id text not null primary key,
  name text not null,
  -- agents: OTLP and the model endpoints | read: the read API
  purpose text not null,
  -- null: every project
  project text,
  -- sha-256 of the key
  digest bytea not null unique,
  -- its last characters, so that its owner knows it again
  hint text not null,
  created_at timestamptz not null,
  revoked_at timestamptz
);

-- A page with its filters, under a name.
create table saved_views (
  view_id text not null primary key,
  project text,
  page text not null,
  name text not null,
  -- the query string of the address, without '?'
  query text not null,
  created_at timestamptz not null
);

-- Who belongs to a project, where there are accounts. role: owner | member | viewer
create table project_members (
  project text not null,
  account text not null,
  role text not null,
  created_at timestamptz not null,
  primary key (project, account)
);

do $$
begin
  grant select on api_keys, saved_views, project_members to signalbox_reader;
exception when undefined_object or insufficient_privilege then
  null; -- 000001 has said it
end $$;

-- A key of one project reads as signalbox_project, which sees that project's rows (signalbox.project) of the tables granted here, and
-- nothing of any other table. Everyone else's statements are planned as before: their policy is the constant true.
do $$
declare
  name text;
begin
  foreach name in array array['spans', 'sessions', 'agents', 'route_hour', 'session_hour', 'place_hour', 'tool_hour', 'payloads', 'messages',
    'span_messages', 'session_aliases', 'session_controls'] loop
    execute format('alter table %I enable row level security', name);
    execute format('create policy everyone on %I using (true) with check (true)', name);
  end loop;
  if not exists (select from pg_roles where rolname = 'signalbox_project') then
    begin
      create role signalbox_project nologin;
    exception when duplicate_object or unique_violation then
      null; -- another database of this server was migrated at the same moment
    end;
  end if;
  -- set it may, inherit it must not: a policy holds for whoever has a role's rights. Postgres 15 cannot tell the two apart: no such keys there.
  if current_setting('server_version_num')::int >= 160000 then
    execute 'grant signalbox_project to signalbox_reader with inherit false, set true';
  end if;
  grant usage on schema signalbox to signalbox_project;
  foreach name in array array['spans', 'sessions', 'agents', 'route_hour', 'session_hour', 'place_hour', 'tool_hour', 'payloads'] loop
    execute format('grant select on %I to signalbox_project', name);
    execute format('create policy own_project on %I as restrictive for select to signalbox_project
      using (project = (select current_setting(''signalbox.project'')))', name);
  end loop;
  foreach name in array array['messages', 'span_messages', 'session_aliases'] loop
    execute format('grant select on %I to signalbox_project', name);
    execute format('create policy own_project on %I as restrictive for select to signalbox_project
      using (exists (select from sessions s where s.session_id = %1$I.session_id))', name);
  end loop;
  grant select on session_controls to signalbox_project;
  -- an id is plain, which holds in every project, or its project's: project, 0x1f, id
  create policy own_project on session_controls as restrictive for select to signalbox_project using (
    (strpos(id, e'\x1f') = 0 or starts_with(id, current_setting('signalbox.project') || e'\x1f'))
    and (exists (select from sessions s where s.session_id = split_part(session_controls.id, e'\x1f', -1))
      or exists (select from agents a where a.agent_id = split_part(session_controls.id, e'\x1f', -1))));
  -- else it would read its tables as their owner does, past every policy
  alter view session_roots set (security_invoker = true);
  grant select on session_roots to signalbox_project;
exception when insufficient_privilege or undefined_object then
  raise notice 'cannot create role signalbox_project: keys of one project cannot read until a superuser has';
end $$;
