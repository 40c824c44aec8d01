"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";

/** A change of rules, channels or alerts: what shows them is read again when it is made. */
export function useChange<Variables, Answer>(
  change: (variables: Variables) => Promise<Answer>,
  onDone: (answer: Answer) => void = () => {},
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: async (answer) => {
      await client.invalidateQueries({ queryKey: ["alerts"] });
      void client.invalidateQueries({ queryKey: ["attention"] });
      onDone(answer);
    },
  });
}
