CREATE TABLE "close_adjustments" (
	"period" text NOT NULL,
	"window_id" text NOT NULL,
	"timezone" text NOT NULL,
	"n" integer NOT NULL,
	"tenant" text NOT NULL,
	"tier" text NOT NULL,
	"model" text NOT NULL,
	"reason" text NOT NULL,
	"calls" bigint NOT NULL,
	"cost_nano" bigint NOT NULL,
	"list_nano" bigint NOT NULL,
	"adjusted_at_ms" bigint NOT NULL,
	CONSTRAINT "close_adjustments_key" PRIMARY KEY("period","window_id","timezone","n","tenant","tier","model","reason")
);
--> statement-breakpoint
CREATE TABLE "close_totals" (
	"period" text NOT NULL,
	"window_id" text NOT NULL,
	"timezone" text NOT NULL,
	"tenant" text NOT NULL,
	"tier" text NOT NULL,
	"model" text NOT NULL,
	"requests" bigint NOT NULL,
	"calls" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_input_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_nano" bigint NOT NULL,
	"list_nano" bigint NOT NULL,
	"saved_nano" bigint NOT NULL,
	"unconfirmed_nano" bigint NOT NULL,
	CONSTRAINT "close_totals_key" PRIMARY KEY("period","window_id","timezone","tenant","tier","model")
);
--> statement-breakpoint
CREATE TABLE "closes" (
	"period" text NOT NULL,
	"window_id" text NOT NULL,
	"timezone" text NOT NULL,
	"start_ms" bigint NOT NULL,
	"end_ms" bigint NOT NULL,
	"sealed_at_ms" bigint NOT NULL,
	"sealed_by" text NOT NULL,
	"looked_at_ms" bigint NOT NULL,
	CONSTRAINT "closes_period_window_id_timezone_pk" PRIMARY KEY("period","window_id","timezone")
);
--> statement-breakpoint
CREATE TABLE "adjustments" (
	"attempt" text NOT NULL,
	"n" integer NOT NULL,
	"reason" text NOT NULL,
	"cost_nano" bigint NOT NULL,
	"list_nano" bigint NOT NULL,
	"price_version" text NOT NULL,
	"adjusted_by" text NOT NULL,
	"adjusted_at_ms" bigint NOT NULL,
	"admitted_at_ms" bigint NOT NULL,
	"tenant" text,
	"user_id" text,
	"tier" text,
	"tags" jsonb,
	"operation" text,
	"urgency" text,
	"model_requested" text,
	"model" text,
	"provider" text,
	"service_tier" text,
	CONSTRAINT "adjustments_attempt_n_pk" PRIMARY KEY("attempt","n")
);
--> statement-breakpoint
CREATE TABLE "price_snapshots" (
	"number" integer PRIMARY KEY NOT NULL,
	"effective_from_ms" bigint NOT NULL,
	"hash" text NOT NULL,
	"source" text NOT NULL,
	"models" integer NOT NULL,
	"body" jsonb NOT NULL,
	"imported_by" text NOT NULL,
	"imported_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "job_runs" (
	"job" text NOT NULL,
	"tick_ms" bigint NOT NULL,
	"state" text NOT NULL,
	"asked_by" text,
	"missed" integer DEFAULT 0 NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"claimed_by" text,
	"lease_until_ms" bigint NOT NULL,
	"started_at_ms" bigint,
	"ended_at_ms" bigint,
	"figures" jsonb,
	"error" text,
	CONSTRAINT "job_runs_job_tick_ms_pk" PRIMARY KEY("job","tick_ms")
);
--> statement-breakpoint
CREATE TABLE "scheduled_jobs" (
	"name" text PRIMARY KEY NOT NULL,
	"about" text NOT NULL,
	"schedule" text NOT NULL,
	"timezone" text NOT NULL,
	"missed" text NOT NULL,
	"limit_ms" bigint NOT NULL,
	"last_tick_ms" bigint NOT NULL,
	"seen_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "adjustments_by_admission" ON "adjustments" USING btree ("admitted_at_ms");--> statement-breakpoint
CREATE UNIQUE INDEX "job_runs_one_at_a_time" ON "job_runs" USING btree ("job") WHERE "job_runs"."state" in ('running', 'retrying');--> statement-breakpoint
CREATE INDEX "job_runs_under_way" ON "job_runs" USING btree ("job") WHERE "job_runs"."state" in ('asked', 'running', 'retrying');