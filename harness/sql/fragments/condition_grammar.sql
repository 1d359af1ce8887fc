-- Whether a condition limits its rows by itself. A column that is compared with the context becomes @; of the rest only
-- what holds a statement together stays, a character each: ( ) AND + OR | NOT ! IS ` CASE ? SELECT % FROM ^ WHERE #
-- UPDATE u, outer joins ~, set operations &, and what takes a condition's force away, COALESCE and FILTER, $. Then
-- parentheses are worked off from within: those that an @ survives become one.
condition_grammar as materialized (
  select '(?:\m[\w$]+\M|"(?:[^"]|"")+")' as col, '\)*(?:::[\w.]+(?:\s+(?:varying|precision))?\)*)*\s*' as casts,
         '\s*(?:\(|\s|\m(?:SELECT|NULLIF|ANY|ARRAY)\M|\m[\w.]+\s+FROM\M|\*\s*FROM\M)*' as inside,
         '(?:[^()=<>;]*\))?(?:[\s)]|::[\w.]+|,\s*_|->>?\s*_)*=[\s(]*(?:[\w"$]+\.)?' as before,
         '[\w"$]+\.[\w"$]+\)*\s*=\s*\(*[\w"$]+\.[\w"$]+(?![\w"$.]|\s*\()|(?:=|\m(?:IN|ANY)\M)\s*\(+\s*(?:ARRAY\s*\(\s*)?SELECT\M|\mUSING\s*\(|\mNATURAL\M' as tied,
         '{"AND": "+", "OR": "|", "NOT": "!", "IS": "`", "DISTINCT": "d", "CASE": "?", "SELECT": "%", "FROM": "^", '
         '"WHERE": "#", "HAVING": "#", "UPDATE": "u", "FOR": "f", "DO": "f",'
         '"COALESCE": "$", "FILTER": "$", "UNION": "&", "EXCEPT": "&", "INTERSECT": "&", "LEFT": "~", "RIGHT": "~", '
         '"FULL": "~", "JOIN": "j", "(": "(", ")": ")", "@": "@"}'::jsonb as shapes,
         -- every branch of an OR; or a sub-query's WHERE
         '\([^()|&?%~@]*@[^()|&?%~]*(?:\|[^()|&?%~@]*@[^()|&?%~]*)*\)|\(%[^()@^]*\^(?:[^()|&?~@%]*|[^()@&%]*#[^()|&?@%]*)@[^()|&?%]*\)' as kept
)
