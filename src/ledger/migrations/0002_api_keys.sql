CREATE TABLE "api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"role" text NOT NULL,
	"tenant" text,
	"user_id" text,
	"tier" text,
	"models" text[],
	"secret_hash" text NOT NULL,
	"former_hash" text,
	"former_until_ms" bigint,
	"created_at_ms" bigint NOT NULL,
	"created_by" text NOT NULL,
	"rotated_at_ms" bigint,
	"expires_at_ms" bigint,
	"revoked_at_ms" bigint,
	"last_used_at_ms" bigint,
	CONSTRAINT "api_keys_spend_for_somebody" CHECK ("api_keys"."role" <> 'app' or "api_keys"."tenant" is not null)
);
