-- Every tuple that is written pays for each index. The time of a store's log never runs backwards,
-- so a time is found by halving along the primary key: `positionBefore` in src/storage/changes.ts.
DROP INDEX tuple_change_by_time;
