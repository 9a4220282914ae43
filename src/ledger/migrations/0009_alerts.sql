CREATE TABLE "alert_deliveries" (
	"id" text PRIMARY KEY NOT NULL,
	"notice" text NOT NULL,
	"channel" text NOT NULL,
	"state" text NOT NULL,
	"due_at_ms" bigint NOT NULL,
	"claimed_until_ms" bigint DEFAULT 0 NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"turn_at_ms" bigint,
	"last_error" text,
	"instead_of" text,
	"created_at_ms" bigint NOT NULL,
	"ended_at_ms" bigint,
	CONSTRAINT "delivery_once" UNIQUE("notice","channel")
);
--> statement-breakpoint
CREATE TABLE "alert_history" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "alert_history_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"alert" text NOT NULL,
	"what" text NOT NULL,
	"by" text NOT NULL,
	"why" text NOT NULL,
	"at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "alert_marks" (
	"name" text PRIMARY KEY NOT NULL,
	"at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "alert_notices" (
	"id" text PRIMARY KEY NOT NULL,
	"alert" text,
	"body" jsonb NOT NULL,
	"at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "alert_tries" (
	"delivery" text NOT NULL,
	"n" integer NOT NULL,
	"process" text NOT NULL,
	"at_ms" bigint NOT NULL,
	"ended_at_ms" bigint,
	"outcome" text NOT NULL,
	"error" text,
	CONSTRAINT "alert_tries_delivery_n_pk" PRIMARY KEY("delivery","n")
);
--> statement-breakpoint
CREATE TABLE "alerts" (
	"id" text PRIMARY KEY NOT NULL,
	"rule" text NOT NULL,
	"scope" text NOT NULL,
	"window_id" text NOT NULL,
	"threshold" double precision NOT NULL,
	"severity" text NOT NULL,
	"tenant" text,
	"budget" text,
	"timezone" text NOT NULL,
	"state" text NOT NULL,
	"facts" jsonb NOT NULL,
	"raised_at_ms" bigint NOT NULL,
	"state_at_ms" bigint NOT NULL,
	"state_by" text NOT NULL,
	"why" text NOT NULL,
	"silenced_until_ms" bigint,
	"clear_since_ms" bigint,
	"notices" integer NOT NULL,
	"told_at_ms" bigint,
	"escalated_at_ms" bigint,
	CONSTRAINT "alert_once" UNIQUE("rule","scope","window_id","threshold")
);
--> statement-breakpoint
CREATE INDEX "deliveries_due" ON "alert_deliveries" USING btree ("state","due_at_ms");--> statement-breakpoint
CREATE INDEX "alert_history_by_alert" ON "alert_history" USING btree ("alert","id");--> statement-breakpoint
CREATE INDEX "alert_notices_by_time" ON "alert_notices" USING btree ("at_ms");--> statement-breakpoint
CREATE INDEX "alerts_by_raise" ON "alerts" USING btree ("raised_at_ms");--> statement-breakpoint
CREATE INDEX "alerts_by_state" ON "alerts" USING btree ("state");