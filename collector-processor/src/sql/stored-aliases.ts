/**
 * Says of the aliases of traces which have a row in sessions by now (migration 000022): readers look up those that it has not said of. In the order that
 * writers lock them in; those that one holds now are said the next time.
 */
export const MARK_STORED_ALIASES = `
update signalbox.session_aliases set is_stored = true where alias in (
  select alias from signalbox.session_aliases
  where not is_stored and alias = any (array(
    select session_id from signalbox.sessions s where split_part(session_id, e'\\x1f', -1) like 't:%'
      and not exists (select from signalbox.session_aliases known where known.is_stored and known.alias = s.session_id)
  ))
  order by alias for update skip locked
)`;
