CREATE TABLE "dropped_months" (
	"month" text PRIMARY KEY NOT NULL,
	"dropped_at_ms" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "window_forward" DROP CONSTRAINT "window_forward_budget_window_id_pk";--> statement-breakpoint
ALTER TABLE "window_forward" ADD COLUMN "month" text NOT NULL;--> statement-breakpoint
ALTER TABLE "window_forward" ADD CONSTRAINT "window_forward_key" PRIMARY KEY("month","budget","window_id");
