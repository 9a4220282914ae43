ALTER TABLE "user_tiers" ADD COLUMN "event" text;--> statement-breakpoint
CREATE UNIQUE INDEX "user_tiers_by_event" ON "user_tiers" USING btree ("event");