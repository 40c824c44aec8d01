-- Reads and writes of agents' memory files are spans of operation `memory`: few among very many.

set local search_path = signalbox;

create index spans_memory on spans (start_time desc) where operation = 'memory';
