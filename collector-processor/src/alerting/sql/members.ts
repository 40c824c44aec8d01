/** A time column as microseconds since 1970, and back. */
export const micros = (column: string) => `(extract(epoch from ${column}) * 1000000)::bigint`;
export const moment = (parameter: string) => `(timestamptz 'epoch' + ${parameter}::bigint * interval '1 microsecond')`;

/**
 * Which sessions are looked at: `roots(root)`, and under which ids their rows are: `members(root, session_id)`.
 *
 * $1: a JSON array of ids, whose own and whose parents' sessions are meant, or `null`: all that were active from $2 to $3
 * (microseconds since 1970). $4: a project, or ''. $5: the name of the root agent, or ''.
 */
export const MEMBERS = `
named as (
  select jsonb_array_elements_text(nullif($1::text::jsonb, 'null')) as id
  union all
  select session_id from signalbox.sessions
  where $1::text = 'null' and last_time >= ${moment("$2")} and first_time <= ${moment("$3")}
),
roots as materialized (
  select distinct session.session_id as root
  from named left join signalbox.session_aliases known on known.alias = named.id
  join signalbox.sessions session on session.session_id = coalesce(known.session_id, named.id)
  where $4::text in ('', session.project) and $5::text in ('', session.agent_name)
),
members as materialized (
  select root, root as session_id from roots
  union all
  select roots.root, known.alias from roots join signalbox.session_aliases known on known.session_id = roots.root
)`;
