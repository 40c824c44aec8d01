/**
 * Question: how much longer does a turn of Codex take when it is watched, where in the turn, and what of its telemetry takes it?
 *
 * Each way is a machine of its own; all ways run one turn (a prompt, one command, an answer; the model answers at once) in rounds, each
 * round in another order. The differences are of a round's turns against its turn alone; a second machine alone is the control. "Within
 * noise", said before it is measured: the difference's 95 % interval holds 0, or its median lies within the control's interval.
 * Collector and model are processes of their own, as they are for a user.
 *
 * Command: npm exec -- node tests/bench/codex-turn.ts [rounds, default 24] [way…, default all]
 */
