CREATE TABLE "audit" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"change" text NOT NULL,
	"step" text NOT NULL,
	"at_ms" bigint NOT NULL,
	"by" text NOT NULL,
	"action" text NOT NULL,
	"body" jsonb NOT NULL,
	CONSTRAINT "audit_once" UNIQUE("change","step")
);
--> statement-breakpoint
CREATE TABLE "job_webhook_tries" (
	"id" text NOT NULL,
	"n" integer NOT NULL,
	"at_ms" bigint NOT NULL,
	"took_ms" integer NOT NULL,
	"status" integer,
	"error" text,
	CONSTRAINT "job_webhook_tries_id_n_pk" PRIMARY KEY("id","n")
);
--> statement-breakpoint
CREATE TABLE "job_webhooks" (
	"id" text PRIMARY KEY NOT NULL,
	"job" text NOT NULL,
	"endpoint" text NOT NULL,
	"state" text DEFAULT 'waiting' NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"next_at_ms" bigint NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"body" text,
	CONSTRAINT "job_webhooks_job_unique" UNIQUE("job")
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "budgets" text[];--> statement-breakpoint
ALTER TABLE "policies" ADD COLUMN "origin" text DEFAULT 'file' NOT NULL;--> statement-breakpoint
CREATE INDEX "audit_by_time" ON "audit" USING btree ("at_ms");--> statement-breakpoint
CREATE INDEX "job_webhooks_open" ON "job_webhooks" USING btree ("next_at_ms") WHERE "job_webhooks"."state" in ('waiting', 'due');