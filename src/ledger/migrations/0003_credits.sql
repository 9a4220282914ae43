CREATE TABLE "credits" (
	"id" text PRIMARY KEY NOT NULL,
	"budget" text NOT NULL,
	"window_id" text NOT NULL,
	"amount_nano" bigint NOT NULL,
	"until_ms" bigint,
	"policy_version" integer NOT NULL,
	"start_ms" bigint NOT NULL,
	"end_ms" bigint NOT NULL,
	"limit_nano" bigint NOT NULL,
	"marks" integer[] NOT NULL,
	"warn_only" boolean NOT NULL,
	"reason" text NOT NULL,
	"granted_by" text NOT NULL,
	"granted_at_ms" bigint NOT NULL,
	"revoked_by" text,
	"revoked_at_ms" bigint,
	"revoked_reason" text
);
--> statement-breakpoint
CREATE TABLE "user_tiers" (
	"version" integer PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"user_id" text NOT NULL,
	"tier" text,
	"until_ms" bigint,
	"reason" text NOT NULL,
	"set_by" text NOT NULL,
	"set_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "credits_by_end" ON "credits" USING btree ("end_ms");--> statement-breakpoint
CREATE INDEX "credits_by_budget" ON "credits" USING btree ("budget");--> statement-breakpoint
CREATE INDEX "user_tiers_by_user" ON "user_tiers" USING btree ("tenant","user_id","version");