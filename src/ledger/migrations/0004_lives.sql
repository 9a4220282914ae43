CREATE TABLE "leases" (
	"id" text PRIMARY KEY NOT NULL,
	"process" text NOT NULL,
	"window_key" text NOT NULL,
	"amount_nano" bigint NOT NULL,
	"opened_epoch" integer NOT NULL,
	"opened_at_ms" bigint NOT NULL,
	"expires_at_ms" bigint NOT NULL,
	"closed_at_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "processes" (
	"id" text PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"started_at_ms" bigint NOT NULL,
	"beat_at_ms" bigint NOT NULL,
	"reported_epoch" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reports" (
	"epoch" integer NOT NULL,
	"attempt" text NOT NULL,
	"process" text NOT NULL,
	"body" jsonb NOT NULL,
	CONSTRAINT "reports_epoch_attempt_process_pk" PRIMARY KEY("epoch","attempt","process")
);
--> statement-breakpoint
ALTER TABLE "slot" ADD COLUMN "reopener" text;--> statement-breakpoint
ALTER TABLE "slot" ADD COLUMN "began_at_ms" bigint;--> statement-breakpoint
ALTER TABLE "slot" ADD COLUMN "opened_at_ms" bigint;--> statement-breakpoint
CREATE INDEX "leases_open" ON "leases" USING btree ("id") WHERE "leases"."closed_at_ms" is null;