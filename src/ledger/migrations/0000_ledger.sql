CREATE TABLE "entries" (
	"attempt" text PRIMARY KEY NOT NULL,
	"job" text NOT NULL,
	"n" integer NOT NULL,
	"status" text NOT NULL,
	"epoch" integer NOT NULL,
	"rev" integer NOT NULL,
	"seq" text NOT NULL,
	"cost_nano" bigint NOT NULL,
	"hold_nano" bigint NOT NULL,
	"overrun_nano" bigint NOT NULL,
	"windows" text[] NOT NULL,
	"rung" integer NOT NULL,
	"cap" integer NOT NULL,
	"admitted_at_ms" bigint NOT NULL,
	"posted_at_ms" bigint NOT NULL,
	"tenant" text,
	"user_id" text,
	"tier" text,
	"tags" jsonb,
	"operation" text,
	"urgency" text,
	"model_requested" text,
	"enqueued_at_ms" bigint,
	"model" text,
	"provider" text,
	"input_tokens_held" bigint,
	"price_version" text,
	"policy_version" integer,
	"seen" text,
	"reason" text,
	"http_status" integer,
	"input_tokens" bigint,
	"cached_input_tokens" bigint,
	"cache_write_tokens" bigint,
	"output_tokens" bigint,
	"reasoning_tokens" bigint,
	"list_nano" bigint,
	"note_nano" bigint,
	"served_model" text,
	"service_tier" text,
	"provider_request_id" text,
	"estimated" boolean,
	"started_at_ms" bigint,
	"ended_at_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "ledger_conflicts" (
	"attempt" text NOT NULL,
	"epoch" integer NOT NULL,
	"rev" integer NOT NULL,
	"seq" text NOT NULL,
	"kept" jsonb NOT NULL,
	"refused" jsonb NOT NULL,
	"posted_at_ms" bigint NOT NULL,
	CONSTRAINT "ledger_conflicts_attempt_epoch_rev_seq_pk" PRIMARY KEY("attempt","epoch","rev","seq")
);
--> statement-breakpoint
CREATE TABLE "policies" (
	"version" integer PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"body" jsonb NOT NULL,
	"created_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "postings" (
	"attempt" text NOT NULL,
	"epoch" integer NOT NULL,
	"rev" integer NOT NULL,
	"kind" text NOT NULL,
	"job" text NOT NULL,
	"n" integer NOT NULL,
	"delta_nano" bigint NOT NULL,
	"booked_nano" bigint NOT NULL,
	"hold_nano" bigint NOT NULL,
	"overrun_nano" bigint NOT NULL,
	"windows" text[] NOT NULL,
	"rung" integer NOT NULL,
	"cap" integer NOT NULL,
	"admitted_at_ms" bigint NOT NULL,
	"posted_at_ms" bigint NOT NULL,
	"seq" text NOT NULL,
	CONSTRAINT "postings_attempt_epoch_rev_pk" PRIMARY KEY("attempt","epoch","rev")
);
--> statement-breakpoint
CREATE TABLE "requests" (
	"job" text PRIMARY KEY NOT NULL,
	"outcome" text NOT NULL,
	"reason" text NOT NULL,
	"tenant" text,
	"user_id" text,
	"tier" text,
	"tags" jsonb,
	"operation" text,
	"urgency" text,
	"model_requested" text,
	"enqueued_at_ms" bigint,
	"ended_at_ms" bigint NOT NULL,
	"epoch" integer NOT NULL,
	"seq" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "slot" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"watermark" text DEFAULT '0' NOT NULL,
	CONSTRAINT "slot_is_one_row" CHECK ("slot"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "threshold_events" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "threshold_events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"window_key" text NOT NULL,
	"percent" integer NOT NULL,
	"spent_nano" bigint NOT NULL,
	"limit_nano" bigint NOT NULL,
	"at_ms" bigint NOT NULL,
	CONSTRAINT "threshold_once" UNIQUE("window_key","percent")
);
--> statement-breakpoint
CREATE TABLE "window_totals" (
	"budget" text NOT NULL,
	"window_id" text NOT NULL,
	"spent_nano" bigint NOT NULL,
	"rows" bigint NOT NULL,
	CONSTRAINT "window_totals_budget_window_id_pk" PRIMARY KEY("budget","window_id")
);
--> statement-breakpoint
CREATE INDEX "entries_by_job" ON "entries" USING btree ("job");--> statement-breakpoint
CREATE INDEX "entries_by_admission" ON "entries" USING btree ("admitted_at_ms","attempt");--> statement-breakpoint
CREATE INDEX "requests_by_end" ON "requests" USING btree ("ended_at_ms");