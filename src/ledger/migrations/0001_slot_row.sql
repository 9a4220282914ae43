-- The drain locks this row; it is there from the start, so that nobody has to race to create it.
INSERT INTO "slot" ("id", "epoch", "watermark") VALUES (1, 0, '0') ON CONFLICT ("id") DO NOTHING;
